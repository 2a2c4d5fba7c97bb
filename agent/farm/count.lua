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
local AHEAD, MAX_RECORDS, MAX_FEED, MAX_NAMED = 300, 100000, 20000, 10000
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

-- A word as this farm writes it, or nothing: what else may stand there counts as not there. So does
-- a word whose stamp is ahead of this clock, which was put back meanwhile.
local function understood(value)
  if not value then return end
  local stamp = tonumber(string.match(value, '^op=%l+ t=(%d+) host='))
  if not stamp or stamp > now_ms + AHEAD * 1000 then return end
  return {
    stamp = stamp,
    free = string.sub(value, 1, 8) == 'op=free ',
    ending = tonumber(string.match(value, ' until=(%d+)')),
    times = tonumber(string.match(value, ' times=(%d+)')) or 1,
  }
end

-- Drops what has a time up to `last`.
local function trim(rule, window, names, last)
  local done = 0
  while rule.by == 'r' do
    local old = redis.call('ZRANGEBYSCORE', window, '-inf', last, 'LIMIT', done, 1000)
    if #old == 0 then break end
    redis.call('HDEL', names, unpack(old))
    done = done + #old
  end
  redis.call('ZREMRANGEBYSCORE', window, '-inf', last)
end

-- The earliest full window among those with an event from `from` to `to` in them: its first and last
-- rank in the set, and their times. Reads about as many events as lie there and behind, once for a
-- batch: its events are few and the newest, or late and many.
local function reached(rule, window, limit, from, to)
  local newest = redis.call('ZCOUNT', window, '(' .. whole(to), '+inf')
  local oldest = redis.call('ZCOUNT', window, from, '+inf') - 1
  local top = math.max(0, newest - limit + 1)
  local ends = redis.call('ZREVRANGE', window, top, oldest, 'WITHSCORES')
  local starts = redis.call('ZREVRANGE', window, top + limit - 1, oldest + limit - 1, 'WITHSCORES')
  for i = #starts, 2, -2 do
    local last, first = tonumber(ends[i]), tonumber(starts[i])
    if last - first < rule.period then
      local rank = top + i / 2 - 1
      return {top = rank, bottom = rank + limit - 1, first = first, last = last}
    end
  end
end

local added, again, blocked, late, ahead, crowded = 0, 0, 0, 0, 0, 0
local decided = {}
local blocks = prefix .. 'blocks'

-- Gives what understood() would of the new word. It is as old as the oldest event that it is made of:
-- a release of which this server has not heard yet holds if it came after that.
local function block(rule, field, identity, limit, record, found, senders)
  local stamp, times = math.min(found.first * 1000, now_ms), 1
  if record then
    stamp = math.max(stamp, record.stamp + 1)
    if record.ending and found.last <= record.ending + rule.repeat_within then
      times = record.times + 1
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
    whole(rule.period) .. ' hosts=' .. senders
  redis.call('HSET', blocks, field, value)
  redis.call('XADD', prefix .. 'feed', 'MAXLEN', '~', MAX_FEED, '*', 'n', field, 'v', value)
  table.insert(decided, field)
  table.insert(decided, value)
  return {stamp = stamp, free = false, ending = ending, times = times}
end

while at < #ARGV do
  local rule = rules[tonumber(take())]
  local key, identity, limit, events = take(), take(), tonumber(take()), tonumber(take())
  local window = prefix .. 'w:' .. rule.name .. '|' .. key
  local names = prefix .. 'r:' .. rule.name .. '|' .. key
  local field = rule.list .. '|' .. key
  local record = understood(redis.call('HGET', blocks, field))
  -- Events up to `floor` belong to what is over; while `held` all do.
  local floor, held = now - rule.keep, false
  local function heed()
    if not record then return end
    if record.free then
      floor = math.max(floor, math.min(math.floor(record.stamp / 1000), now))
    elseif record.ending then
      floor = math.max(floor, record.ending - 1)
    else
      held = true
    end
  end
  heed()
  if not held then trim(rule, window, names, floor) end

  -- Between `from` and `to` something is new since the last look for a full window.
  local from, to
  local function look()
    while from and not held and redis.call('ZCARD', window) >= limit do
      local found = reached(rule, window, limit, from, to)
      if not found then break end
      if not record and redis.call('HLEN', blocks) >= MAX_RECORDS then
        crowded = crowded + 1
        break
      end
      local senders = hosts_of(rule, window, names, found.top, found.bottom)
      record = block(rule, field, identity, limit, record, found, senders)
      heed()
      if held then
        redis.call('DEL', window, names)
      else
        trim(rule, window, names, floor)
      end
    end
    from, to = nil, nil
  end
  local function put(time, event)
    redis.call('ZADD', window, time, event)
    if rule.by == 'r' then redis.call('HSET', names, event, host) end
    from, to = math.min(from or time, time), math.max(to or time, time)
  end
  local touched = false
  local moves = {}  -- of recipients to a newer time: after all else, for they may open a full window
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
        added = added + 1
        touched = true
        if known then
          table.insert(moves, {time, event})
        else
          put(time, event)
        end
      end
    end
  end
  look()
  for _, move in ipairs(moves) do
    local known = redis.call('ZSCORE', window, move[2])
    if not held and move[1] > floor and not (known and tonumber(known) >= move[1]) then
      put(move[1], move[2])
    end
  end
  look()
  if touched then
    redis.call('EXPIRE', window, rule.keep + AHEAD)
    if rule.by == 'r' then redis.call('EXPIRE', names, rule.keep + AHEAD) end
  end
end

if ahead > 0 then redis.call('HINCRBY', hosts, host .. '/ahead', ahead) end
if late > 0 then redis.call('HINCRBY', hosts, host .. '/late', late) end
if ahead + late > 0 then redis.call('HSET', hosts, host .. '/refused', now) end
return {added, again, blocked, late, ahead, crowded, decided}
