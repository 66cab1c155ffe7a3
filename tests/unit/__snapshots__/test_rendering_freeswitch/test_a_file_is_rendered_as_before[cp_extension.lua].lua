-- An extension: where its call forward rules lead, and which phones ring. With the argument `ended` nobody took
-- the call. A destination `ring` lets them ring in spite of a rule: that of an exception in spite of do not
-- disturb too.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local tenant, number = routing.get("cp_tenant"), routing.get("cp_number")
local plan = routing.plan(tenant, number)
local hours = routing.hours(plan.hours or "")

local function rule(name) return plan[name .. "." .. hours] or "" end

local function now() return tonumber(freeswitch.API():getTime()) or 0 end

-- A mask is a number, a range, or digits with * for any one; a + before the caller's number does not count.
local function means(mask, caller)
  local first, last = mask:match("^(%d+)%-(%d+)$")
  -- Of the same length, so that they are compared as text.
  if first then return #caller == #first and caller >= first and caller <= last end
  if #mask ~= #caller then return false end
  for place = 1, #mask do
    local wanted = mask:sub(place, place)
    if wanted ~= "*" and wanted ~= caller:sub(place, place) then return false end
  end
  return true
end

-- Where the first exception leads that means this caller and these hours; empty without one.
local function exception()
  local caller = routing.get("caller_id_number"):gsub("^%+", "")
  if not caller:match("^%d+$") then return "" end
  for mask, when, token in (plan.exceptions or ""):gmatch("([^|>]+)>([aoc])>([^|>]*)") do
    if (when == "a" or (when == "o") == (hours == 0)) and means(mask, caller) then return token end
  end
  return ""
end

-- The registered phones. A contact is the phone's own text: what could mean more than an address to bridge is not
-- given to it; then the switch reads the newest phone's address by itself. Nil without a phone.
local function phones()
  if not (number:match("^%d+$") and tenant:match("^[%x-]+$")) then return nil end
  -- cp_directory.lua has phones of the other tenants registered under the number and the tenant.
  local name = number
  if tenant ~= "11111111-1111-4111-8111-111111111111" then name = number .. "." .. tenant end
  local address = name .. "@shared-voicemail"
  local found = freeswitch.API():executeString("sofia_contact shared-voicemail/" .. address) or ""
  if found == "" or found:match("^error/") then return nil end
  if found:match("^[%w/:@;.=_~+%%?%[%],-]+$") then return found end
  return "sofia/shared-voicemail/" .. name .. "%shared-voicemail"
end

local NO_ANSWER = {
  ALLOTTED_TIMEOUT = true, NO_ANSWER = true, NO_USER_RESPONSE = true, PROGRESS_TIMEOUT = true,
}
local BUSY = { USER_BUSY = true, CALL_REJECTED = true }

-- Why nobody took the call: no_answer if any phone rang to the end. The summary alone misleads with several phones.
local function reason()
  local busy = false
  local causes = routing.get("originate_causes") .. "|:;" .. routing.get("originate_disposition")
  for cause in causes:gmatch(";([%u_]+)") do
    if NO_ANSWER[cause] then return "no_answer" end
    busy = busy or BUSY[cause]
  end
  return busy and "busy" or "not_registered"
end

if argv[1] == "ended" then
  local waited = (now() - (tonumber(routing.get("cp_since")) or now())) / 1000
  local why = reason()
  routing.go(rule(why), why, nil, waited)
  return
end

local excepted, always = exception(), rule("always")
if excepted ~= "" and excepted ~= "ring" then
  routing.go(excepted, "always")
elseif excepted == "" and always ~= "" and always ~= "ring" then
  routing.go(always, "always")
elseif excepted == "" and plan.do_not_disturb == "1" then
  routing.go(rule("disturbed"), "busy")
else
  local dial = phones()
  if dial then
    local seconds = (plan.seconds or ""):match("^%d+$") or 30
    -- The switch counts in whole seconds: a limit of each leg ends at most one too late, that of the call one too soon.
    routing.set("cp_dial", "{leg_timeout=" .. seconds .. "}" .. dial)
    routing.set("call_timeout", tostring(seconds + 5))
    routing.set("cp_since", tostring(now()))
  else
    routing.go(rule("not_registered"), "not_registered")
  end
end
