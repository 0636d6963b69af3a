# Instances: scopes and parameters.
cat >Edccfile <<'END'
flags = outer
shared ?= s
include ./lib.edcc as a:
    name = $(flags)
    if $(shared) == s:
        extra = given
include ./lib.edcc as b:
    name = second
END
cat >lib.edcc <<'END'
# A snippet.
name  ?= none
extra ?=
mine   = $(name)-$(shared)
flags  = own-$(flags_of)
flags_of ?= $(upper $(name))
include ./inner.edcc as inner
if $(name) == outer:
    third = $(extra)
END
printf 'deep = $(mine)\n' >inner.edcc
"$EDCC" check --print values
