# What the file asks for and cannot be, said before anything is asked.
unset AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE
export AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent
wrong() {
	printf 'project = wrong\n\nprovider aws:\n\ninstances:\n    count = %s\n%b\nbuild all:\n    make\n' "${2:-4}" "$1" >wrong.edcc
	"$EDCC" plan --offline -f wrong.edcc
	echo "= $?"
}
wrong '    image = debain-12\n'
wrong '\nnetwork:\n    subnet = 10.0.0.0/30\n'
wrong '\nnetwork:\n    subnet = 10.0.0.0/28\n' 12
wrong '\nnetwork:\n    subnet = 10.1.0.0/24\n'
wrong '\nnetwork:\n    vpc    = 10.1.0.0/16\n    subnet = subnet-0123456789abcdef0\n'
wrong '\nnetwork:\n    vpc = vpc-0123456789abcdef0\n'
wrong '\nnetwork:\n    keys = missing.pub id_ed25519\n'
wrong '\nhost:\n    arch = arm64\n    type = c7g.large\n'
wrong '\ninstances arm:\n    arch = arm64\n    type = c7g.large\n\ncompiler clang:\n    version = 14\n'
wrong '\ndistcc:\n    transport = ssh\n    pump      = yes\n'
"$EDCC" plan --provider aws -f none.edcc
echo "= $?"
