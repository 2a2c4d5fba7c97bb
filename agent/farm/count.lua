-- Counts the events of one batch, and decides. Every host runs this; Redis runs one at a time.
--
-- The window of a rule and an identity is a sorted set: events, scored with their log time. What an
-- event is called says all of it, so one that comes again changes nothing:
--   HOST:TIME:N   the Nth of that host within that second, where attempts are counted
--   DIGEST        of the recipient, where distinct ones are; which host sent it stands beside it
-- A limit is reached if any window of the rule's length holds `limit` events, in whatever order
-- they came. Whoever is blocked, or was freed later than an event, is not counted.
--
-- KEYS: the prefix of all keys. ARGV: epoch, host, number of rules;
-- of each rule: name, list, period, 'a' or 'r', steps of block_for ('' for none), repeat_within;
-- then of each identity: number of the rule, key, identity, limit, number of events, and of each
-- event its time and its name (the part behind HOST:TIME: of an attempt).
local prefix = KEYS[1]
if redis.call('GET', prefix .. 'epoch') ~= ARGV[1] then
  return redis.error_reply('EPOCH is another one')
end
local AHEAD, MAX_RECORDS, MAX_FEED, MAX_NAMED = 300, 500000, 20000, 10000
local host = ARGV[2]
local clock = redis.call('TIME')
local now = tonumber(clock[1])
local now_ms = now * 1000 + math.floor(tonumber(clock[2]) / 1000)
local hosts = prefix .. 'hosts'
-- First of all a write that a full server refuses: after another one it would let all pass.
redis.call('HSET', hosts, host .. '/seen', now)
local function whole(number) return string.format('%.0f', number) end

local at = 3
local function take()
  at = at + 1
  return ARGV[at]
end
local rules = {}
for i = 1, tonumber(ARGV[3]) do
  local rule = {name = take(), list = take(), period = tonumber(take()), by = take(), steps = {}}
  for step in string.gmatch(take(), '%d+') do table.insert(rule.steps, tonumber(step)) end
  rule.repeat_within = tonumber(take())
  -- Late events find their place for so long; further back they are refused.
  rule.keep = rule.period + math.max(900, math.min(rule.period, 3600))
  rules[i] = rule
end

local function hosts_of(rule, window, names, from, to)
  local events = redis.call('ZREVRANGE', window, from, math.min(to, from + MAX_NAMED - 1))
  local counts, order = {}, {}
  for first = 1, #events, 1000 do
    local last = math.min(first + 999, #events)
    local senders = rule.by == 'r' and redis.call('HMGET', names, unpack(events, first, last))
    for i = first, last do
      local sender = senders and senders[i - first + 1] or string.match(events[i], '^[^:]*')
      if sender and not counts[sender] then
        counts[sender] = 0
        table.insert(order, sender)
      end
      if sender then counts[sender] = counts[sender] + 1 end
    end
  end
  table.sort(order, function(a, b)
    return counts[a] > counts[b] or (counts[a] == counts[b] and a < b)
  end)
  local text = ''
  for i = 1, math.min(#order, 16) do
    text = text .. (i > 1 and ',' or '') .. order[i] .. ':' .. whole(counts[order[i]])
  end
  return text
end

-- The earliest window that the event completes: first and last rank in the set, and its times.
local function reached(rule, window, event, limit)
  local rank = redis.call('ZREVRANK', window, event)
  if not rank then return end
  local from = math.max(0, rank - limit + 1)
  local ends = redis.call('ZREVRANGE', window, from, rank, 'WITHSCORES')
  local starts = redis.call('ZREVRANGE', window, from + limit - 1, rank + limit - 1, 'WITHSCORES')
  for i = #starts, 2, -2 do
    local last, first = tonumber(ends[i]), tonumber(starts[i])
    if last - first < rule.period then
      local top = from + i / 2 - 1
      return top, top + limit - 1, first, last
    end
  end
end

local added, again, blocked, late, ahead, crowded = 0, 0, 0, 0, 0, 0
local decided = {}
local blocks = prefix .. 'blocks'

local function block(rule, window, names, field, identity, limit, record, found)
  local stamp, times = now_ms, 1
  if record then
    stamp = math.max(stamp, tonumber(string.match(record, ' t=(%d+)')) + 1)
    local ended = tonumber(string.match(record, ' until=(%d+)'))
    if ended and found.last <= ended + rule.repeat_within then
      times = tonumber(string.match(record, ' times=(%d+)')) + 1
    end
  end
  local value = 'op=block t=' .. whole(stamp) .. ' host=' .. host .. ' why=count id=' .. identity
  local step = rule.steps[math.min(times, #rule.steps)]
  local ending
  if step and step > 0 then
    ending = found.last + step
    value = value .. ' until=' .. whole(ending) .. ' times=' .. whole(times)
  end
  value = value .. ' rule=' .. rule.name .. ' time=' .. whole(found.last) .. ' first=' ..
    whole(found.first) .. ' count=' .. whole(limit) .. ' limit=' .. whole(limit) .. ' period=' ..
    whole(rule.period) .. ' hosts=' .. hosts_of(rule, window, names, found.top, found.bottom)
  redis.call('HSET', blocks, field, value)
  redis.call('XADD', prefix .. 'feed', 'MAXLEN', '~', MAX_FEED, '*', 'n', field, 'v', value)
  redis.call('DEL', window, names)
  table.insert(decided, field)
  table.insert(decided, value)
  return ending
end

while at < #ARGV do
  local rule = rules[tonumber(take())]
  local key, identity, limit, events = take(), take(), tonumber(take()), tonumber(take())
  local window = prefix .. 'w:' .. rule.name .. '|' .. key
  local names = prefix .. 'r:' .. rule.name .. '|' .. key
  local field = rule.list .. '|' .. key
  local record = redis.call('HGET', blocks, field)
  -- Events up to `floor` belong to what is over.
  local floor, held = now - rule.keep, false
  if record then
    local ending = tonumber(string.match(record, ' until=(%d+)'))
    if string.sub(record, 1, 7) == 'op=free' then
      floor = math.max(floor, math.floor(tonumber(string.match(record, ' t=(%d+)')) / 1000))
    elseif ending then
      floor = math.max(floor, ending - 1)
    else
      held = true
    end
  end
  local size = 0
  if not held then
    if rule.by == 'r' then
      local old = redis.call('ZRANGEBYSCORE', window, '-inf', floor, 'LIMIT', 0, 1000)
      if #old > 0 then redis.call('HDEL', names, unpack(old)) end
    end
    redis.call('ZREMRANGEBYSCORE', window, '-inf', floor)
    size = redis.call('ZCARD', window)
  end
  local touched = false
  for i = 1, events do
    local time, name = tonumber(take()), take()
    if time > now + AHEAD then
      ahead = ahead + 1
    elseif time <= now - rule.keep then
      late = late + 1
    elseif held or time <= floor then
      blocked = blocked + 1
    else
      local event = rule.by == 'r' and name or host .. ':' .. whole(time) .. ':' .. name
      local known = redis.call('ZSCORE', window, event)
      if known and tonumber(known) >= time then
        again = again + 1
      else
        redis.call('ZADD', window, time, event)
        if rule.by == 'r' then redis.call('HSET', names, event, host) end
        added = added + 1
        touched = true
        if not known then size = size + 1 end
        if size >= limit then
          local top, bottom, first, last = reached(rule, window, event, limit)
          if top and redis.call('HLEN', blocks) >= MAX_RECORDS and not record then
            crowded = crowded + 1
          elseif top then
            local ending = block(rule, window, names, field, identity, limit, record,
              {top = top, bottom = bottom, first = first, last = last})
            held, touched, size = not ending, false, 0
            floor = ending and ending - 1 or floor
          end
        end
      end
    end
  end
  if touched then
    redis.call('EXPIRE', window, rule.keep + AHEAD)
    if rule.by == 'r' then redis.call('EXPIRE', names, rule.keep + AHEAD) end
  end
end

if ahead > 0 then redis.call('HINCRBY', hosts, host .. '/ahead', ahead) end
if late > 0 then redis.call('HINCRBY', hosts, host .. '/late', late) end
return {added, again, blocked, late, ahead, crowded, decided}
