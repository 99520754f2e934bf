-- for each account: account, since

age()
end_leases()
local answer = {}
for i = 1, #ARGV, 2 do
  answer[#answer + 1] = show(spent(ARGV[i], tonumber(ARGV[i + 1])))
  answer[#answer + 1] = show(held(ARGV[i]))
end
return answer
