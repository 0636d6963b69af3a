# Includes of every kind, and whose default counts.
mkdir -p sub/deep lib cache/edcc/include
printf 'include ./sub/one.edcc\ninclude shared\ninclude other.edcc\na ?= file\nb  = file\nc += file\nproject = p\n' >Edccfile
printf 'include ./deep/two.edcc\na ?= one\nb ?= one\nc ?= one\n' >sub/one.edcc
printf 'include ../one.d.edcc\na ?= two\nb ?= two\nc ?= two\nd ?= two\nd += more\n' >sub/deep/two.edcc
printf 'd ?= three\n' >sub/one.d.edcc
printf 's = shared\n' >lib/shared.edcc
printf 'o = other\n' >lib/other.edcc
EDCC_PATH=lib "$EDCC" check --print values
echo '-- from the cache'
hash=$(printf 'pinned = 1\n' | sha256sum | cut -d' ' -f1)
printf 'pinned = 1\n' >"cache/edcc/include/$hash"
printf 'include https://nowhere.invalid/x.edcc sha256:%s\n' "$hash" >Edccfile
XDG_CACHE_HOME=$PWD/cache "$EDCC" check --print values
