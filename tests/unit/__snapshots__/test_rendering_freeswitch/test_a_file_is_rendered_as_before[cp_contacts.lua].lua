-- The registered phones of an extension. A contact is the phone's own text: what could mean more than an
-- address to bridge is not given to it; then the switch reads the newest phone's address by itself.
local number = session:getVariable("cp_number") or ""
local tenant = session:getVariable("cp_tenant") or ""
local dial = "error/SUBSCRIBER_ABSENT"
if number:match("^%d+$") and tenant:match("^[%x-]+$") then
  -- cp_directory.lua has phones of the other tenants registered under the number and the tenant.
  local name = number
  if tenant ~= "11111111-1111-4111-8111-111111111111" then name = number .. "." .. tenant end
  local address = name .. "@shared-voicemail"
  local found = freeswitch.API():executeString("sofia_contact shared-voicemail/" .. address) or ""
  if found:match("^error/") then
    dial = "error/SUBSCRIBER_ABSENT"
  elseif found:match("^[%w/:@;.=_~+%%?%[%],-]+$") then
    dial = found
  else
    dial = "sofia/shared-voicemail/" .. name .. "%shared-voicemail"
  end
end
session:setVariable("cp_dial", dial)
