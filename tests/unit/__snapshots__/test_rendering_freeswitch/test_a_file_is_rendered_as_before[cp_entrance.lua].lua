-- Where a call without a log-in enters: by the trunk whose address it comes from, at its tenant by the domain
-- dialled, or nowhere without a password.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")
local tenants = {
  ["localhost"] = "11111111-1111-4111-8111-111111111111",
  ["acme.example"] = "22222222-2222-4222-8222-222222222222",
}
-- The first and the last address of each network of a trunk, in hex, and its context.
local trunks = {
}
local default = "11111111-1111-4111-8111-111111111111"
local number = routing.get("destination_number"):gsub("^%+", "")
local from = routing.get("sip_from_user")
local function tenant_of(name) return tenants[routing.get(name):lower()] end
local dialled = tenant_of("sip_req_host") or tenant_of("sip_to_host") or default

local function kind_of(user, tenant) return (routing.lines(tenant, user) or {})[1] end

-- 8 digits of an IPv4 address, 32 of an IPv6 address; nothing of anything else.
local function hex(address)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a then return string.format("%02x%02x%02x%02x", a, b, c, d) end
  local text = address:lower()
  if not text:match("^[%x:]+$") then return nil end
  local _, colons = text:gsub(":", "")
  text = text:gsub("::", string.rep(":0", 8 - colons) .. ":", 1):gsub("^:", "0:"):gsub(":$", ":0")
  local groups = {}
  for group in text:gmatch("%x+") do groups[#groups + 1] = string.rep("0", 4 - #group) .. group end
  return #groups == 8 and table.concat(groups) or nil
end

local function trunk_of(address)
  local at = hex(address)
  for _, trunk in ipairs(trunks) do
    if at and #at == #trunk[1] and at >= trunk[1] and at <= trunk[2] then return trunk[3] end
  end
end

local context = "cp-outside-" .. dialled
local claimed = tenant_of("sip_from_host") or default
local trunk = #trunks > 0 and trunk_of(routing.get("sip_received_ip"))
if trunk then
  context = trunk
elseif kind_of(from, claimed) == "extension" or kind_of(from, default) == "extension" then
  context = "cp-challenge"
elseif number:match("^%d%d%d+$") and not kind_of(number, dialled) then
  context = "cp-inbound-" .. dialled
end
if not number:match("^%d+$") then number = "unknown" end
routing.set("cp_entrance_number", number)
routing.set("cp_entrance", context)
