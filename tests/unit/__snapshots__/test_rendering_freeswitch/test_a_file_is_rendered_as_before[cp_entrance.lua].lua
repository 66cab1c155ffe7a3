-- Where a call without a log-in enters: its tenant by the domain dialled, or nowhere without a password.
local tenants = {
  ["localhost"] = "11111111-1111-4111-8111-111111111111",
  ["acme.example"] = "22222222-2222-4222-8222-222222222222",
}
local default = "11111111-1111-4111-8111-111111111111"
local number = session:getVariable("destination_number") or ""
local from = session:getVariable("sip_from_user") or ""
local function tenant_of(name) return tenants[(session:getVariable(name) or ""):lower()] end
local dialled = tenant_of("sip_req_host") or tenant_of("sip_to_host") or default

local function is_extension(user, tenant)
  if #user < 3 or #user > 64 or not user:match("^%d+$") then return false end
  local file = io.open("/srv/shared-voicemail/configuration/routes/" .. tenant .. "/" .. user:sub(-2) .. "/" .. user)
  if not file then return false end
  local kind = file:read("*l")
  file:close()
  return kind == "extension"
end

local context = "cp-outside-" .. dialled
local claimed = tenant_of("sip_from_host") or default
if is_extension(from, claimed) or is_extension(from, default) then context = "cp-challenge" end
if not number:match("^%d+$") then number = "unknown" end
session:setVariable("cp_entrance_number", number)
session:setVariable("cp_entrance", context)
