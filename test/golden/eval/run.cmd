# What commands print, run once; where they fail.
cat >Edccfile <<'END'
words   = "a b" 'it''s' $$x
plain   = $(shell printf '%s\n' $(words))
double  = $(shell printf '%s\n' "<$(words)>")
single  = $(shell printf '%s\n' '<$(words)>')
lines   = $(shell printf 'one two\n\n  three  \n'; echo noise >&2)
folder  = $(shell basename "$$PWD")
count   = $(words $(lines))
secret token = $(shell echo hunter2)
use     = x$(token)
if $(shell echo yes) == yes:
    taken = 1
text    = $(file text)
END
printf ' some\n\ttext\n' >text
"$EDCC" vars 2>/dev/null | sed 's|^folder = .*  #|folder = FOLDER  #|'
echo '-- failures'
printf 'a = $(shell exit 3)\nb = $(shell no-such-command-1 2>&1)\nc = $(git no-such-subcommand)\n' >Edccfile
"$EDCC" vars 2>&1 | grep -v '^git: \|^bash: \|^$' 
echo '-- the commit'
printf 'commit = $(COMMIT)\n' >Edccfile
"$EDCC" check --print values
"$EDCC" vars
mkdir .git
echo 0123456789abcdef0123456789abcdef01234567 >.git/HEAD
"$EDCC" vars
