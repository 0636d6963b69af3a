# Settings that do nothing with a provider.
for provider in local hosts aws; do
	printf '%s:\n' "$provider"
	"$EDCC" check --provider "$provider"
done
