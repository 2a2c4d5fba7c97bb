-- Drops words that nobody needs any more: of who was freed, or whose block was over, so long ago
-- that no host can still be away with another one. KEYS: the prefix. ARGV: seconds, then fields.
local prefix = KEYS[1]
local now = tonumber(redis.call('TIME')[1])
local before = now - tonumber(ARGV[1])
local dropped = 0
for i = 2, #ARGV do
  local value = redis.call('HGET', prefix .. 'blocks', ARGV[i])
  if value then
    local ending = tonumber(string.match(value, ' until=(%d+)'))
    local stamp = tonumber(string.match(value, '^op=free t=(%d+)'))
    local last = stamp and stamp / 1000 or ending
    if last and last < before then
      dropped = dropped + redis.call('HDEL', prefix .. 'blocks', ARGV[i])
    end
  end
end
-- And hosts that were not heard for as long.
local hosts = prefix .. 'hosts'
local all = redis.call('HGETALL', hosts)
for i = 1, #all, 2 do
  local host = string.match(all[i], '^(.*)/seen$')
  local seen = tonumber(all[i + 1])
  if host and (not seen or seen < before) then
    redis.call('HDEL', hosts, all[i], host .. '/ahead', host .. '/late', host .. '/refused')
  end
end
return dropped
