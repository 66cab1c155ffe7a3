-- An agent is offered a call: the leg that mod_callcenter calls looks for his phones. Whether he is logged in says the
-- route file of the queue. Who cannot take the call is busy, and the queue offers it to another one.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local phones = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_phones.lua")
local agent, queue, seconds, tenant, in_turn =
  routing.get("destination_number"):match("^(%d+)%.(%d+)%.(%d+)%.([%x-]+)(%.?%l*)$")
local api = freeswitch.API()
local dial

local function second() return math.floor(phones.now() / 1000) end

-- mod_callcenter goes on after the agent whom it called last, and knows that by whole seconds: of two within one it
-- takes the first for the last one, and would call the second again. So who is to ring, and is not the first within
-- this second, waits for the next one and is noted anew.
local function take_turn(name, rings)
  local last = "cp-turn/" .. name
  local before = tonumber(api:executeString("hash select/" .. last)) or 0
  if rings and second() - before <= 1 then
    while second() == before and session:ready() do session:sleep(20) end
    if not session:ready() then return end
    local me = name .. "." .. agent
    api:executeString("callcenter_config agent set state " .. me .. " Receiving")
    -- If the caller left at this moment, mod_callcenter has taken back the offer first, and then the state.
    local offers = api:executeString("callcenter_config queue list tiers " .. name) or ""
    if not offers:find("|" .. me .. "|Offering|", 1, true) then
      api:executeString("callcenter_config agent set state " .. me .. " Waiting")
    end
  end
  api:executeString("hash insert/" .. last .. "/" .. second())
end

-- mod_callcenter hands the caller's texts on as they came; a line of theirs would become a header of the call.
local name = routing.get("caller_id_name"):gsub("[^%w \128-\255.,:@_+*#()'&/-]", "")
session:execute("set_profile_var", "caller_id_name=" .. name)
session:execute("set_profile_var", "caller_id_number=" .. routing.get("caller_id_number"):gsub("[^%w+*#._-]", ""))

if agent then
  local plan = routing.plan(tenant, queue)
  local logged_in = ("&" .. (plan.agents or "") .. "&"):find("&" .. agent .. "&", 1, true)
  if logged_in and routing.plan(tenant, agent).do_not_disturb ~= "1" and not phones.on_a_call(tenant, agent) then
    dial = phones.legs(tenant, agent)
  end
  local object = (routing.lines(tenant, queue) or {})[2]
  if in_turn == ".turn" and object then take_turn("cp-" .. object, dial ~= nil) end
  -- When the caller's time is over, the phones have rung long enough.
  local joined = tonumber(routing.get("cc_queue_joined_epoch")) or os.time()
  local left = joined + (tonumber(plan.max_wait_seconds) or 0) - os.time()
  routing.set("call_timeout", tostring(math.max(1, math.min(tonumber(seconds), left))))
end
routing.set("cp_dial", dial or "error/USER_BUSY")
