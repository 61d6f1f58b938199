-- Asks with a password that nobody has, another one each time. BENCH_USER is the user whose password is guessed.
local user, thread = os.getenv("BENCH_USER"), 0
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
   local coded = text:gsub("..?.?", function(three)
      local a, b, c = three:byte(1, 3)
      local bits = a * 65536 + (b or 0) * 256 + (c or 0)
      local four = ""
      for digit = 3, 0, -1 do
         local at = math.floor(bits / 64 ^ digit) % 64 + 1
         four = four .. letters:sub(at, at)
      end
      return four:sub(1, #three + 1) .. ("="):rep(3 - #three)
   end)
   return coded
end

function setup(each)
   each:set("number", thread)
   thread = thread + 1
end

function request()
   guesses = (guesses or 0) + 1
   local guess = base64(string.format("%s:guess %d of %d", user, guesses, number))
   return wrk.format("GET", nil, {["Authorization"] = "Basic " .. guess})
end
