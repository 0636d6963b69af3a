"$EDCC" help
for topic in check fmt plan apply destroy status logs ssh monitor gc vars std graph export completion version help; do
	echo "\$ edcc help $topic"
	"$EDCC" help $topic
done
