# Only what was asked for and what it needs; without instances there is no fleet.
"$EDCC" plan --jobs 3 program
"$EDCC" plan --why lib program
"$EDCC" plan --why test program
"$EDCC" plan progarm
