-- Where the dialplan goes on after the socket, from the stage that the flow set last.
local function variable(name, pattern)
  return (session:getVariable(name) or ""):match(pattern) or ""
end

local function size(path)
  local file = io.open(path, "rb")
  if not file then return -1 end
  local bytes = file:seek("end")
  file:close()
  return bytes
end

local uuid = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"
local stage = variable("cp_stage", "^%l+$")
local recording = variable("cp_recording", uuid)
local mailbox = variable("cp_object", uuid)
local spool = "/srv/shared-voicemail/spool/"
local next = "unavailable"
local cause = variable("cp_cause", "^[%w_]+$")
if cause == "" then cause = "NORMAL_CLEARING" end
session:setVariable("cp_cause", cause)

local onward = variable("cp_next", "^%d+$")
if argv[1] == "leave" and stage == "routed" and onward ~= "" then
  -- The caller asked for the operator. A script that sent the call on ends with that.
  local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
  session:setVariable("cp_failed", "")
  local reason = variable("cp_reason", "^[%l_]+$")
  routing.go(onward, reason ~= "" and reason or "direct", variable("cp_key", "^[%dsh]*$"),
    tonumber(variable("cp_waited", "^%d+$")))
  return
end

if stage == "done" then
  next = "done"
elseif argv[1] == "feature" then
  next = "problem"
elseif argv[1] == "leave" then
  if recording ~= "" and (stage == "recording" or stage == "review") then
    -- 44 bytes are the header of a WAV without audio.
    if size(spool .. recording .. ".wav") > 44 then
      next = "thank"
    else
      next = "record"
      session:setVariable("cp_take", spool .. recording .. ".wav")
    end
  else
    local takes = (tonumber(variable("cp_takes", "^%d+$")) or 0) + 1
    local call = variable("uuid", uuid)
    local greeting = "/srv/shared-voicemail/configuration/greetings/" .. mailbox .. ".wav"
    next = size(greeting) > 44 and "greet-own" or "greet-standard"
    session:setVariable("cp_takes", tostring(takes))
    session:setVariable("cp_greeting", greeting)
    session:setVariable("cp_take", spool .. "fb-" .. call .. "-" .. takes .. ".wav")
    session:setVariable("cp_facts", "v=1;tenant=" .. variable("cp_tenant", uuid) .. ";mailbox=" .. mailbox
      .. ";call=" .. call .. ";at=" .. os.time() .. ";reached_by=" .. variable("cp_reached_by", "^[%w._+/-]+$"))
  end
end
session:setVariable("cp_next", next)
