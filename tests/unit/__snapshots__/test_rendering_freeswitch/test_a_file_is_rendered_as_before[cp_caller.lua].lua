-- Who calls, as it goes on to phones. The switch takes an identity that anybody asserts for the caller's: From
-- counts, for everybody alike. And it writes a name as it came: a line's end in it would begin a header of the call.
local function clean(text, kept) return (text:gsub("%c", " "):gsub(kept, "")) end
local NAME, NUMBER = "[^%w \128-\255.,:@_+*#()'&/-]", "[^%w+*#._-]"

local name = session:getVariable("caller_id_name") or ""
local number = session:getVariable("caller_id_number") or ""
if session:getVariable("sip_cid_type") then
  number = clean(session:getVariable("sip_from_user") or "", NUMBER)
  name = clean(session:getVariable("sip_from_display") or "", NAME)
elseif name:find("%c") or number:find("%c") then
  name, number = clean(name, NAME), clean(number, NUMBER)
else
  return
end
session:execute("set_profile_var", "caller_id_number=" .. number)
session:execute("set_profile_var", "caller_id_name=" .. (name ~= "" and name or number))
