-- Where a call from outside goes: the inbound rules of its tenant in their order, the first that matches wins.
local routing = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_routing.lua")

-- The rules of a tenant are a file of their own, so that a call reads no others; without one it has none.
local function rules_of(tenant)
  if not tenant:match("^[%x-]+$") then return {} end
  local path = "/srv/shared-voicemail/configuration/live/freeswitch/rules/" .. tenant .. ".lua"
  local file = io.open(path)
  if not file then return {} end
  file:close()
  return dofile(path)
end

-- Digits, and a + before them; nothing of anything else.
local function digits_of(text)
  local plus, digits = text:match("^(%+?)(%d+)$")
  if not digits or #digits > 32 then return "", "" end
  return digits, plus
end

local function any(masks, digits)
  if #masks == 0 then return true end
  for _, mask in ipairs(masks) do
    if routing.means(mask, digits) then return true end
  end
  return false
end

local function find(rules, trunk, did, caller)
  for _, rule in ipairs(rules) do
    if (rule[1] == "" or rule[1] == trunk) and any(rule[2], did) and any(rule[3], caller) then return rule end
  end
end

local tenant = routing.get("cp_tenant")
local did, plus = digits_of(routing.get(routing.get("cp_did_in") == "to" and "sip_to_user" or "sip_req_user"))
if did == "" then
  session:transfer("number-unknown", "XML", "cp-unknown")
else
  routing.set("cp_reached_by", "did." .. plus .. did)
  local rule = find(rules_of(tenant), routing.get("cp_trunk"), did, (digits_of(routing.get("sip_from_user"))))
  local hours = rule and routing.hours(rule[4]) or 0
  -- No rule is meant: the number itself, if somebody has it.
  local token = rule and rule[5][hours + 1] or did
  if rule and token ~= rule[5][1] then
    -- In office hours a rule leaves no trace on the way: the number dialled says it all. Where the hours sent the
    -- call elsewhere, their reason is kept.
    routing.set("cp_kind", "inbound-rule")
    routing.set("cp_number", "")
    routing.go(token, "closed")
  elseif token:match("^%d+$") then
    session:transfer(token, "XML", "cp-go")
  else
    session:hangup("NORMAL_CLEARING")
  end
end
