-- What a dialled number stands for, from its route file: line 1 the kind, line 2 the object's UUID.
local number = session:getVariable("destination_number") or ""
local tenant = session:getVariable("cp_tenant") or ""
local kind, object = "unknown", ""
if #number >= 3 and #number <= 64 and number:match("^%d+$") and tenant:match("^[%x-]+$") then
  local file = io.open("/srv/shared-voicemail/configuration/routes/" .. tenant .. "/" .. number:sub(-2) .. "/" .. number)
  if file then
    kind = (file:read("*l") or ""):match("^(%l+)$") or "unknown"
    object = (file:read("*l") or ""):match("^([%x-]+)$") or ""
    file:close()
  end
  session:setVariable("cp_number", number)
end
session:setVariable("cp_kind", kind)
session:setVariable("cp_object", object)
