-- A call queue before a caller waits in it, and after he left it. mod_callcenter knows neither a limit of callers nor
-- “at once without agents”: both are asked here.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local phones = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_phones.lua")
local tenant, number = routing.get("cp_tenant"), routing.get("cp_number")
local plan = routing.plan(tenant, number)
local queue = "cp-" .. routing.get("cp_object")

-- An agent who is logged in, registered, and may be disturbed.
local function has_agent()
  for agent in plan.agents:gmatch("%d+") do
    if routing.plan(tenant, agent).do_not_disturb ~= "1" and phones.legs(tenant, agent) then return true end
  end
  return false
end

-- Callers who wait. Their count alone has also those who left. A line is a caller; his name is his own text, and may
-- hold lines, but none that begins like ours.
local function callers()
  local list = "\n" .. (freeswitch.API():executeString("callcenter_config queue list members " .. queue) or "")
  local begins = "\n" .. queue:gsub("%-", "%%-") .. "|single_box|"
  local count, from = 0, list:find(begins)
  while from do
    local after = list:find(begins, from + 1)
    local state = list:sub(from, (after or #list + 1) - 1):gsub("%s*%+OK%s*$", ""):match("|(%a+)|%-?%d+%s*$")
    if state == "Waiting" or state == "Trying" then count = count + 1 end
    from = after
  end
  return count
end

local function enter()
  if plan.closed ~= "" and routing.hours(plan.hours) > 0 then return routing.go(plan.closed, "closed") end
  if plan.wait_without_agents ~= "1" and not has_agent() then return routing.go(plan.no_agents, "no_agents") end
  local most = tonumber(plan.max_callers) or 0
  if most > 0 and callers() >= most then return routing.go(plan.full, "queue_full") end
  for _, name in ipairs({ "cc_cause", "cc_cancel_reason", "cc_exit_key", "cc_queue_joined_epoch" }) do routing.set(name, "") end
  routing.set("cc_exit_keys", plan.exit_key)
  -- The queue is left when an agent answers; the call is over when he hangs up.
  routing.set("hangup_after_bridge", "true")
end

local function left()
  local cause, reason = routing.get("cc_cause"), routing.get("cc_cancel_reason")
  local waited = os.time() - (tonumber(routing.get("cc_queue_joined_epoch")) or os.time())
  if cause == "answered" then
    session:hangup("NORMAL_CLEARING")
  elseif cause == "" then
    -- The queue is not published yet.
    routing.go(plan.no_agents, "no_agents")
  elseif reason == "EXIT_WITH_KEY" then
    routing.go(plan.exit, "exit_key", routing.get("cc_exit_key"), waited)
  else
    routing.go(plan.no_answer, "queue_timeout", nil, waited)
  end
end

if argv[1] == "enter" then enter() else left() end
