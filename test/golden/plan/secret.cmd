# A secret's value is in no text, be it written into a recipe.
"$EDCC" plan --jobs 1
"$EDCC" plan --json --jobs 1 | grep -c hunter2
"$EDCC" plan --quiet -o plan && grep -c hunter2 plan
