-- A phone that offers no telephone events sends keys as tones: listen for them once the call is answered.
local offer = session:getVariable("switch_r_sdp") or ""
if not offer:lower():find("telephone-event", 1, true) then
  session:setVariable("execute_on_answer", "spandsp_start_dtmf")
end
