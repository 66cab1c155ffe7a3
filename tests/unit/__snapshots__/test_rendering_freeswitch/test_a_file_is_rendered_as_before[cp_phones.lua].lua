-- The phones of extensions, for everything that rings them: dofile() returns a table of functions.
local M = {}

local api = freeswitch.API()
local before = "sofia/shared-voicemail/"

-- cp_directory.lua has phones of the other tenants registered under the number and the tenant.
local function account(tenant, number)
  if tenant == "11111111-1111-4111-8111-111111111111" then return number end
  return number .. "." .. tenant
end

-- Under which a phone counts as being on a call: cp-dialplan.xml counts what it dials, `marks` what it answers.
local function call_of(tenant, number) return "cp-on-a-call " .. tenant .. "." .. number end

-- What bridge takes to ring all registered phones of an extension; nil without one. A contact is the phone's own
-- text: what could mean more than one address to bridge is not given to it; then the switch reads the newest
-- phone's address by itself.
function M.legs(tenant, number)
  if not (tenant:match("^[%x-]+$") and number:match("^%d+$")) then return nil end
  local name = account(tenant, number)
  local address = "shared-voicemail/" .. name .. "@shared-voicemail"
  local found = api:executeString("sofia_contact " .. address) or ""
  if found == "" or found:match("^error/") then return nil end
  local marks = "[limit_ignore_transfer=true,execute_on_answer=limit hash " .. call_of(tenant, number) .. "]"
  local legs = {}
  for contact in (found .. ","):gmatch("([^,]*),") do
    if contact:sub(1, #before) ~= before or not contact:sub(#before + 1):match("^[%w:@;.=_~+%%?%[%]-]+$") then
      legs = {}
      break
    end
    legs[#legs + 1] = marks .. contact
  end
  if #legs == 0 or tostring(#legs) ~= api:executeString("sofia_count_reg " .. address) then
    legs = { marks .. before .. name .. "%shared-voicemail" }
  end
  return table.concat(legs, ",")
end

-- Whether one of its phones talks, holds or dials. One that only rings is not on a call.
function M.on_a_call(tenant, number)
  return (tonumber(api:executeString("limit_usage hash " .. call_of(tenant, number)) or "") or 0) > 0
end

-- A leg that has no cause yet when all of it ends rang until the end.
local REASONS = {
  NONE = "no_answer", NO_ANSWER = "no_answer", ALLOTTED_TIMEOUT = "no_answer", NO_USER_RESPONSE = "no_answer",
  USER_BUSY = "busy", CALL_REJECTED = "busy",
}
local STRENGTH = { not_registered = 1, busy = 2, no_answer = 3 }

-- The one of two reasons that counts.
function M.stronger(one, other) return STRENGTH[one] >= STRENGTH[other] and one or other end

-- Ring these legs for so many seconds; why nobody answered, or nil after a call that was answered, or when the
-- caller is gone. The switch's own summary is that of one leg, so all are looked at.
function M.ring(legs, seconds)
  for name, value in pairs({
    call_timeout = tostring(seconds),
    hangup_after_bridge = "true",
    continue_on_fail = "true",
    -- A phone that sends audio before it answers has not taken the call from the others.
    ignore_early_media = "true",
    transfer_ringback = "%(1000,4000,425)",
  }) do
    session:setVariable(name, value)
  end
  session:execute("bridge", legs)
  local disposition = session:getVariable("originate_disposition") or ""
  if disposition == "SUCCESS" or not session:ready() then return nil end
  local reason = REASONS[disposition] or "not_registered"
  local causes = session:getVariable("originate_causes") or ""
  if causes ~= "" then reason = "not_registered" end
  for cause in causes:gmatch(";([%u_]+)") do reason = M.stronger(reason, REASONS[cause] or "not_registered") end
  return reason
end

return M
