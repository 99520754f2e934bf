-- owner, then for each account: account, amount

age()
for i = 2, #ARGV, 2 do
  let_go(ARGV[1], ARGV[i], ARGV[i + 1])
end
return 1
