for flag in --quiet=no --keep --keep-on-failure; do
	case $flag in --quiet=no) flag= ;; esac
	# shellcheck disable=SC2086
	"$EDCC" plan $flag | sed -n '/^teardown/,$p'
done
