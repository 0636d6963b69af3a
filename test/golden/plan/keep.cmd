# What becomes of the fleet.
for flag in --jobs=2 --keep --keep-on-failure; do
	"$EDCC" plan "$flag" | sed -n '/^teardown/,$p'
done
printf '\nlimits:\n    keep = 10m\n' >>Edccfile
"$EDCC" plan | sed -n '/^teardown/,$p'
