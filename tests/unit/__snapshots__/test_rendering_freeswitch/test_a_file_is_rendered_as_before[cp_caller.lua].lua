-- The switch takes an identity that anybody asserts for the caller's. From counts, for everybody alike.
if session:getVariable("sip_cid_type") then
  local display = (session:getVariable("sip_from_display") or ""):gsub("[^%w \128-\255.,:@_+*#()'&/-]", "")
  local user = (session:getVariable("sip_from_user") or ""):gsub("[^%w+*#._-]", "")
  session:execute("set_profile_var", "caller_id_number=" .. user)
  session:execute("set_profile_var", "caller_id_name=" .. (display ~= "" and display or user))
end
