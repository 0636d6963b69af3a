" Vim syntax of Edccfiles. Copy grammar/vim into ~/.vim, or add it to 'runtimepath'.
if exists('b:current_syntax')
  finish
endif

" Recipes are bash.
syntax include @edccBash syntax/sh.vim
unlet! b:current_syntax

syntax match edccComment /\(^\|\s\)\zs#.*$/ contains=edccTodo,@Spell
syntax keyword edccTodo TODO FIXME XXX contained

syntax region edccString start=/"/ skip=/\\["\\]/ end=/"/ oneline contains=edccReference,edccDollar
syntax region edccString start=/'/ end=/'/ oneline
syntax match edccDollar /\$\$/
syntax match edccBadDollar /\$\%([$({]\)\@!/
syntax region edccReference matchgroup=edccReferenceMark start=/\${/ end=/}/ oneline
syntax region edccReference matchgroup=edccReferenceMark start=/\$(/ end=/)/ contains=edccReference,edccString,edccFunction,edccRegex
syntax match edccFunction /\%(\$(\s*\)\@<=\h\w*\ze\s\+[^) \t]/ contained
syntax match edccRegex @\%(\%(\~\|\<\%(filter\|reject\|match\|replace\)\)\s*\)\@<=/\%(\\.\|\[\^\=\]\=[^]]*\]\|[^/\\[]\)*/[imsx]*@

syntax match edccName /^\s*\zs\%(secret\s\+\)\=\h\w*\ze\s*[?+]\==\%(=\)\@!/ contains=edccSecret
syntax keyword edccSecret secret contained
syntax match edccOperator /\%(^\s*\%(secret\s\+\)\=\h\w*\s*\)\@<=[?+]\==/
syntax match edccInclude /^\s*include\>/
syntax match edccInclude /\%(^\s*include\s.*\)\@<=\s\zsas\ze\s/
syntax match edccHeader /^\h\w*\%(\s\+\h[[:alnum:]_-]*\)\=\ze\s*:/ contains=edccLabel
syntax match edccLabel /\s\+\zs\h[[:alnum:]_-]*/ contained
syntax match edccConditional /^\s*\%(if\|else\s\+if\|else\)\>/
syntax match edccConditionWord /\%(^\s*\%(if\|else\s\+if\|build_\w\+\s\+when\)\s.*\)\@<=\<\%(and\|or\|not\|in\|defined\|file\)\>/
syntax match edccRule /^\s\+build_\%(success\|failed\)\s\+when\>/
syntax match edccArrow /\s\zs->\ze\s/
syntax match edccWhen /\%(->.*\s\)\@<=when\ze\s/

" A step's body from the first line that is neither a setting, a rule, an if, a comment nor empty.
syntax region edccStep start=/^\%(build\|on\)\>.*:\s*\%(\S.*\)\=$/ end=/^\ze[^ \t#]/ keepend contains=edccHeader,edccName,edccOperator,edccRule,edccConditional,edccConditionWord,edccComment,edccString,edccReference,edccRegex,edccRecipe
syntax region edccRecipe start=/^\s\+\%(\h\w*\s\+[?+]\==\s\|secret\s\|build_\%(success\|failed\)\s\+when\s\|#\|\%(if\|else\)\>.*[^ \t;]:\s*\%(#.*\)\=$\)\@!\S/ end=/^\ze[^ \t#]/ keepend contained contains=@edccBash

highlight default link edccComment Comment
highlight default link edccTodo Todo
highlight default link edccString String
highlight default link edccDollar SpecialChar
highlight default link edccBadDollar Error
highlight default link edccReference Identifier
highlight default link edccReferenceMark Special
highlight default link edccFunction Function
highlight default link edccRegex Constant
highlight default link edccName Identifier
highlight default link edccSecret Keyword
highlight default link edccOperator Operator
highlight default link edccInclude Include
highlight default link edccHeader Statement
highlight default link edccLabel Type
highlight default link edccConditional Conditional
highlight default link edccConditionWord Operator
highlight default link edccRule Keyword
highlight default link edccArrow Operator
highlight default link edccWhen Keyword

let b:current_syntax = 'edcc'
