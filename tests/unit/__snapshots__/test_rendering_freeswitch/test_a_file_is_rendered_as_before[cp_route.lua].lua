-- What a dialled number stands for, from its route file: line 1 the kind, line 2 the object's UUID.
-- A call that was sent on too often goes round in a circle, and is cut.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local number = session:getVariable("destination_number") or ""
local hops = (tonumber(routing.get("cp_hops"):match("^%d+$") or "0") or 0) + 1
local kind, object = "unknown", ""
routing.set("cp_hops", tostring(hops))
-- What a phone answered is not what the caller is told; the reason is, as on every switch.
routing.set("sip_ignore_remote_cause", "true")
if hops > 10 then
  kind = "cut"
else
  local lines = routing.lines(routing.get("cp_tenant"), number)
  if lines then
    kind = (lines[1] or ""):match("^[%l-]+$") or "unknown"
    object = (lines[2] or ""):match("^[%x-]+$") or ""
    routing.set("cp_number", number)
  end
end
routing.set("cp_kind", kind)
routing.set("cp_object", object)
