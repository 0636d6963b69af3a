#define ROMAN_SIZE 16

/* Writes a number from 1 to 3999 as the Romans did. */
void roman_write(int number, char text[ROMAN_SIZE]);
/* Reads it back. */
int roman_read(const char *text);
