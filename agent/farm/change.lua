-- Takes the words of one host on who is blocked, each unless a newer one is known.
-- KEYS: the prefix of all keys. ARGV: epoch, host, then field and value of each word.
-- Gives for each the word that holds now ('': none, for want of room), and 1 if another host had
-- blocked the identity before: then that one tells of it, and the word says so, in case that either
-- hears no answer and asks again.
local prefix = KEYS[1]
if redis.call('GET', prefix .. 'epoch') ~= ARGV[1] then
  return redis.error_reply('EPOCH is another one')
end
local AHEAD, MAX_RECORDS, MAX_FEED = 300, 100000, 20000
local clock = redis.call('TIME')
local now = tonumber(clock[1])
local now_ms = now * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- First of all a write that a full server refuses: after another one it would let all pass.
redis.call('HSET', prefix .. 'hosts', ARGV[2] .. '/seen', now)
local blocks = prefix .. 'blocks'

-- Stamp and host of a word as this farm writes it; nothing: it is none.
local function version(value)
  local stamp, host = string.match(value, '^op=%l+ t=(%d+) host=([^ ]+) ')
  return tonumber(stamp), host
end

-- Whoever counted alone what was before a release had not heard of it.
local function of_before(value, known, known_stamp)
  local time = tonumber(string.match(value, ' why=host .* time=(%d+)'))
  return time and string.sub(value, 1, 8) == 'op=block' and string.sub(known, 1, 7) == 'op=free' and
    time <= math.floor(known_stamp / 1000)
end

local out = {}
for i = 3, #ARGV - 1, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local stamp, host = version(value)
  if not stamp then return redis.error_reply('ERR no word of ours') end
  local known = redis.call('HGET', blocks, field)
  local room = known or redis.call('HLEN', blocks) < MAX_RECORDS
  local known_stamp, known_host
  if known then known_stamp, known_host = version(known) end
  -- What is no word, or is ahead of this clock, which was put back meanwhile, has no rank.
  if not known_stamp or known_stamp > now_ms + AHEAD * 1000 then known = nil end
  -- A clock that is ahead must not have the last word for long; but an answer to what is known comes
  -- after it, were it in the same millisecond.
  local latest = math.max(now_ms, known and known_stamp + 1 or 0)
  if stamp > latest then
    value = string.gsub(value, ' t=%d+', ' t=' .. string.format('%.0f', latest), 1)
    stamp = latest
  end
  local before = 0
  local newer = not known
  if known then
    newer = (stamp > known_stamp or (stamp == known_stamp and host > known_host)) and
      not of_before(value, known, known_stamp)
    local ending = tonumber(string.match(known, ' until=(%d+)'))
    if string.sub(known, 1, 8) == 'op=block' and not (ending and ending <= now) then
      local teller = string.match(known, ' teller=([^ ]+)') or known_host
      if teller ~= ARGV[2] then before = 1 end
      if newer and string.sub(value, 1, 8) == 'op=block' then
        value = string.gsub(value, ' teller=[^ ]+', '')
        if teller ~= host then value = value .. ' teller=' .. teller end
      end
    end
  end
  if newer and room then
    redis.call('HSET', blocks, field, value)
    redis.call('XADD', prefix .. 'feed', 'MAXLEN', '~', MAX_FEED, '*', 'n', field, 'v', value)
    known = value
  end
  table.insert(out, known or '')
  table.insert(out, before)
end
return out
