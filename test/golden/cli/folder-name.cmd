mkdir 'fmt-9.1.0+ds1 à'
printf 'build all:\n    true\n' >'fmt-9.1.0+ds1 à/Edccfile'
"$EDCC" -C 'fmt-9.1.0+ds1 à' plan --provider local | sed -n '1s, on .*,,p'
