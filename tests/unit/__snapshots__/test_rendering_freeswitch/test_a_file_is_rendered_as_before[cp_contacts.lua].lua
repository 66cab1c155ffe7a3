-- The registered phones of an extension.
local phones = dofile("/srv/shared-voicemail/configuration/live/freeswitch/cp_phones.lua")
local legs = phones.legs(session:getVariable("cp_tenant") or "", session:getVariable("cp_number") or "")
session:setVariable("cp_dial", legs or "error/SUBSCRIBER_ABSENT")
