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
    -- `:_:` begins another part of what bridge takes.
    local text = contact:sub(#before + 1)
    if contact:sub(1, #before) ~= before or text:find(":_:", 1, true) or not text:match("^[%w:@;.=_~+%%?%[%]-]+$") then
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

-- What a caller hears whose call was answered before, by a receptionist.
local RINGING = "%(1000,4000,425)"

local REASONS = {
  NO_ANSWER = "no_answer", ALLOTTED_TIMEOUT = "no_answer", NO_USER_RESPONSE = "no_answer",
  PROGRESS_TIMEOUT = "no_answer", USER_BUSY = "busy", CALL_REJECTED = "busy",
}
local STRENGTH = { not_registered = 1, busy = 2, no_answer = 3 }

-- The one of two reasons that counts.
function M.stronger(one, other) return STRENGTH[one] >= STRENGTH[other] and one or other end

-- Why nobody took the call: the switch's own summary is that of one leg, so all are looked at.
function M.reason()
  -- What a phone said (603) would go on to the caller, whatever the call's own end is.
  session:execute("unset", "last_bridge_proto_specific_hangup_cause")
  local reason = "not_registered"
  local causes = (session:getVariable("originate_causes") or "") .. "|:;"
    .. (session:getVariable("originate_disposition") or "")
  for cause in causes:gmatch(";([%u_]+)") do reason = M.stronger(reason, REASONS[cause] or "not_registered") end
  return reason
end

-- What bridge takes to ring legs for so many seconds; says of the call how it is to ring. The switch counts the
-- seconds that its clock begins: after so many it ends by the limit of the call, after one more by that of each leg.
-- In the first half of a second the former is nearer, so that turns one after another do not add up to more.
function M.ringing(legs, seconds)
  -- The causes of all legs that this call ever rang are in it otherwise.
  session:execute("unset", "originate_causes")
  local margin = M.now() % 1000 < 500 and 0 or 5
  session:setVariable("call_timeout", tostring(seconds + margin))
  session:setVariable("continue_on_fail", "true")
  session:setVariable("hangup_after_bridge", "true")
  -- A phone that sends audio before it answers has not taken the call from the others.
  session:setVariable("ignore_early_media", "true")
  session:setVariable("transfer_ringback", RINGING)
  return "{leg_timeout=" .. seconds .. "}" .. legs
end

-- Ring them; why nobody answered, or nil after a call that was answered, or when the caller is gone.
function M.ring(legs, seconds)
  session:execute("bridge", M.ringing(legs, seconds))
  if session:getVariable("originate_disposition") == "SUCCESS" or not session:ready() then return nil end
  return M.reason()
end

-- Let the caller hear ringing for so many seconds, at most five, while no phone rings.
function M.pretend_to_ring(seconds)
  if session:answered() then
    session:setVariable("playback_terminators", "none")
    local off = math.max(math.floor(seconds * 1000) - 1000, 1)
    session:execute("playback", "tone_stream://%(1000," .. off .. ",425)")
  else
    session:execute("ring_ready")
    session:sleep(math.floor(seconds * 1000))
  end
end

-- The present, in milliseconds.
function M.now() return tonumber(api:getTime()) or 0 end

return M
