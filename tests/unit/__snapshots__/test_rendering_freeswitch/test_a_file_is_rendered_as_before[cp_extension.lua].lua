-- An extension: where its call forward rules lead, and which phones ring. With the argument `ended` nobody took
-- the call. A destination `ring` lets them ring in spite of a rule: that of an exception in spite of do not
-- disturb too.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local phones = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_phones.lua")
local tenant, number = routing.get("cp_tenant"), routing.get("cp_number")
local plan = routing.plan(tenant, number)
local hours = routing.hours(plan.hours or "")

local function rule(name) return plan[name .. "." .. hours] or "" end

-- Where the first exception leads that means this caller and these hours; empty without one. A + before the
-- caller's number does not count.
local function exception()
  local caller = routing.get("caller_id_number"):gsub("^%+", "")
  if not caller:match("^%d+$") then return "" end
  for mask, when, token in (plan.exceptions or ""):gmatch("([^|>]+)>([aoc])>([^|>]*)") do
    if (when == "a" or (when == "o") == (hours == 0)) and routing.means(mask, caller) then return token end
  end
  return ""
end

if argv[1] == "ended" then
  local waited = (phones.now() - (tonumber(routing.get("cp_since")) or phones.now())) / 1000
  local why = phones.reason()
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
  local legs = phones.legs(tenant, number)
  if legs then
    local seconds = tonumber((plan.seconds or ""):match("^%d+$")) or 30
    routing.set("cp_dial", phones.ringing(legs, seconds))
    routing.set("cp_since", tostring(phones.now()))
  else
    routing.go(rule("not_registered"), "not_registered")
  end
end
