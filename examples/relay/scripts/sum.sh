total=0
for number in $NUMBERS; do total=$((total + number)); done
echo "the sum is $total"
