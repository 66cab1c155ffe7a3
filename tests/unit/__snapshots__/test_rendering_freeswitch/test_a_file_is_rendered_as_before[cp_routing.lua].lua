-- What the scripts of all kinds share: dofile() returns a table of functions over the call `session`.
local M = {}

local FIELDS = {
  ["mailbox"] = { },
  ["extension"] = { "hours", "exceptions", "always.0", "always.1", "always.2", "do_not_disturb", "disturbed.0", "disturbed.1", "disturbed.2", "busy.0", "busy.1", "busy.2", "no_answer.0", "no_answer.1", "no_answer.2", "not_registered.0", "not_registered.1", "not_registered.2", "seconds", },
  ["ring-group"] = { "hours", "closed", "strategy", "members", "ring_seconds", "total_seconds", "skip_busy", "no_answer", },
  ["call-queue"] = { "hours", "closed", "max_wait_seconds", "no_answer", "wait_without_agents", "no_agents", "max_callers", "full", "exit_key", "exit", "agents", },
  ["virtual-receptionist"] = { "hours", "closed", "fallback", "call_failed", },
}

function M.get(name) return session:getVariable(name) or "" end

function M.set(name, value) session:setVariable(name, value) end

-- The lines of a number's route file; nil without one.
function M.lines(tenant, number)
  if not (tenant:match("^[%x-]+$") and number:match("^%d+$") and #number >= 3 and #number <= 64) then return nil end
  local file = io.open("/srv/shared-voicemail/configuration/routes/" .. tenant .. "/" .. number:sub(-2) .. "/" .. number)
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

-- The plan of the object that has a number, by the names of its lines; what has no line is empty. Second its kind.
function M.plan(tenant, number)
  local lines = M.lines(tenant, number) or {}
  local kind = lines[1] or ""
  local plan = {}
  for place, name in ipairs(FIELDS[kind] or {}) do plan[name] = lines[place + 2] or "" end
  return plan, kind
end

-- 0 in office hours, 1 outside, 2 on a holiday: a digit of the day's file. Without one it is open.
function M.hours(schedule)
  if #schedule ~= 36 or not schedule:match("^[%x-]+$") then return 0 end
  local folder = "/srv/shared-voicemail/configuration/hours/" .. schedule .. "/"
  local closed = io.open(folder .. "closed")
  if closed then
    closed:close()
    return 1
  end
  local now = os.time()
  local file = io.open(folder .. os.date("!%Y%m%d", now))
  if not file then return 0 end
  file:seek("set", math.floor((now % 86400) / 60))
  local digit = file:read(1) or "0"
  file:close()
  return tonumber(digit:match("^[012]$") or "0")
end

-- Whether a mask means digits: it is a number, a range, or digits with * for any one; a + before it does not count.
function M.means(mask, digits)
  local first, last = mask:match("^(%d+)%-(%d+)$")
  -- Of the same length, so that they are compared as text.
  if first then return #digits == #first and digits >= first and digits <= last end
  local pattern = mask:gsub("^%+", ""):gsub("%*", "%%d")
  return digits:match("^" .. pattern .. "$") ~= nil
end

-- Where the call goes next: `token` is a destination of a plan, `reason` says why; key and seconds may be nil.
-- The script must end after it. What the call leaves behind becomes a part of its way; ringing ends half a second
-- too soon or too late, so that seconds are rounded.
function M.go(token, reason, key, seconds)
  local pressed = (key or ""):gsub("%*", "s"):gsub("#", "h")
  M.set("cp_reached_by", M.get("cp_reached_by") .. "/" .. M.get("cp_kind") .. "." .. M.get("cp_number") .. "."
    .. pressed .. "." .. reason .. "." .. (seconds and tostring(math.floor(seconds + 0.5)) or ""))
  if token:match("^%d+$") then
    session:transfer(token, "XML", "cp-go")
  elseif token == "hangup" then
    session:hangup(M.cause(reason))
  else
    M.nobody(reason)
  end
end

-- Nobody takes the call and no rule says what follows. A virtual receptionist that chose this way is told.
function M.nobody(reason)
  local failed, number = M.get("cp_failed"), M.get("cp_failed_number")
  if failed == "" then
    session:hangup(M.cause(reason))
    return
  end
  M.set("cp_failed", "")
  M.set("cp_kind", "virtual-receptionist")
  M.set("cp_number", number)
  M.go(failed == "repeat" and number or failed, "call_failed")
end

local CAUSES = { busy = "USER_BUSY", no_answer = "NO_ANSWER", not_registered = "SUBSCRIBER_ABSENT" }

function M.cause(reason) return CAUSES[reason] or "NORMAL_CLEARING" end

return M
