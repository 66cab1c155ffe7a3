-- A ring group: several extensions ring, all at once or one after another.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local phones = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_phones.lua")
local tenant, number = routing.get("cp_tenant"), routing.get("cp_number")
local plan = routing.plan(tenant, number)

if plan.closed ~= "" and routing.hours(plan.hours) ~= 0 then
  routing.go(plan.closed, "closed")
  return
end

local began = phones.now()
local turn = tonumber(plan.ring_seconds) or 0
local result = "not_registered"
local over = false

-- What rings of a member: nil if he wants no call, is on one, or has no phone.
local function legs_of(member)
  local rules, kind = routing.plan(tenant, member)
  if kind ~= "extension" then return nil end
  if rules.do_not_disturb == "1" or (plan.skip_busy == "1" and phones.on_a_call(tenant, member)) then
    result = phones.stronger(result, "busy")
    return nil
  end
  return phones.legs(tenant, member)
end

local function waited() return (phones.now() - began) / 1000 end

-- The whole seconds of the next turn: at most as many as are left of all.
local function seconds() return math.min(turn, math.floor((tonumber(plan.total_seconds) or 0) - waited() + 0.5)) end

local function ring(legs)
  if legs == nil or seconds() < 1 then return end
  local reason = phones.ring(legs, seconds())
  if reason then result = phones.stronger(result, reason) else over = true end
end

local members = {}
for member in plan.members:gmatch("%d+") do members[#members + 1] = member end

if plan.strategy == "simultaneous" then
  local all = {}
  for _, member in ipairs(members) do all[#all + 1] = legs_of(member) end
  if #all > 0 then ring(table.concat(all, ",")) end
else
  math.randomseed(tonumber(routing.get("uuid"):sub(1, 7), 16) or 1)
  while #members > 0 and not over and seconds() >= 1 do
    ring(legs_of(table.remove(members, plan.strategy == "random" and math.random(#members) or 1)))
  end
end

if over or not session:ready() then return end
-- To ring again is to come here again, so that it is counted as any way that a call is sent on; not at once where
-- nobody could be rung, so that somebody may become free.
if plan.no_answer == "repeat" then
  local pause = math.min(turn, 5) - waited()
  -- Phones that rang may have stopped up to half a second too soon.
  if pause > 0.5 then phones.pretend_to_ring(pause) end
end
if session:ready() then
  routing.go(plan.no_answer == "repeat" and number or plan.no_answer, result, nil, waited())
end
