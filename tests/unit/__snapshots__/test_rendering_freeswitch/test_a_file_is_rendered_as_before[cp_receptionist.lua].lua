-- A virtual receptionist before and behind its flow. A script that sent the call on ends with that.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local plan = routing.plan(routing.get("cp_tenant"), routing.get("cp_number"))

local function arrive()
  local closed = plan.closed or ""
  if closed ~= "" and routing.hours(plan.hours or "") ~= 0 then
    routing.go(closed, "closed")
    return
  end
  for _, name in ipairs({ "cp_next", "cp_reason", "cp_key", "cp_waited" }) do routing.set(name, "") end
end

-- The flow chose, or ended the call; else it did not answer, died or hung.
local function leave()
  local stage = routing.get("cp_stage")
  local number = routing.get("cp_next"):match("^%d+$")
  if stage == "done" then
    local cause = routing.get("cp_cause"):match("^[%w_]+$")
    session:hangup(cause or "NORMAL_CLEARING")
  elseif stage == "routed" and number then
    routing.set("cp_failed", routing.get("cp_failed"):match("^[%d%l]+$") or "")
    routing.set("cp_failed_number", routing.get("cp_number"))
    routing.go(number, routing.get("cp_reason"):match("^[%l_]+$") or "direct",
      routing.get("cp_key"):match("^[%dsh]*$"), tonumber(routing.get("cp_waited"):match("^%d+$") or ""))
  else
    routing.set("cp_failed", "")
    local fallback = (plan.fallback or ""):match("^%d+$")
    if fallback then
      routing.go(fallback, "call_failed")
    else
      session:transfer("receptionist-sorry", "XML", "cp-kind")
    end
  end
end

if argv[1] == "arrive" then arrive() else leave() end
