-- Whose log-in it is. All digests have one realm, so the switch asks for a user of the realm, whichever tenant
-- the phone belongs to. Where its From names another tenant's domain, that tenant's user is the answer, and what
-- it registers is kept apart from the same number of others; else the directory itself answers.
local realm = "shared-voicemail"
local tenants = {
  ["acme.example"] = "22222222-2222-4222-8222-222222222222",
}
local function asked(name) return params:getHeader(name) or "" end

local function user_of(tenant, number)
  local api = freeswitch.API()
  local function user(what) return api:executeString("user_data " .. number .. "@" .. tenant .. " " .. what) or "" end
  local function quoted(text)
    return (text:gsub("[&<>\"']", function(char) return "&#" .. char:byte() .. ";" end))
  end
  local hash = user("param a1-hash")
  if not hash:match("^%x+$") then return nil end
  -- A lamp's account is a number of the realm, which is the default tenant's: nobody else may watch it.
  if asked("sip_auth_method") == "SUBSCRIBE" then hash = "refused" end
  local registered = ""
  if asked("sip_auth_method") == "REGISTER" then
    registered = '<param name="sip-force-extension" value="' .. number .. "." .. tenant .. '"/>'
      .. '<param name="mwi-account" value="' .. number .. "." .. tenant .. "@" .. realm .. '"/>'
  end
  return '<document type="freeswitch/xml"><section name="directory"><domain name="' .. realm
    .. '"><groups><group name="cp"><users><user id="' .. number .. '"><params><param name="a1-hash" value="' .. hash
    .. '"/>' .. registered .. '</params><variables><variable name="user_context" value="cp-extension-' .. tenant
    .. '"/><variable name="cp_extension" value="' .. number .. '"/><variable name="cp_extension_name" value="'
    .. quoted(user("var cp_extension_name"))
    .. '"/></variables></user></users></group></groups></domain></section></document>'
end

if params and XML_REQUEST.key_value == realm and asked("action") == "sip_auth" then
  local tenant = tenants[asked("sip_from_host"):lower()]
  local number = asked("sip_auth_username")
  if tenant and #number <= 64 and number:match("^%d+$") then XML_STRING = user_of(tenant, number) end
end
