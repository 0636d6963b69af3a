autocmd BufNewFile,BufRead Edccfile,*.edcc setfiletype edcc
