const char *greeting(void);
const char *world(void);
