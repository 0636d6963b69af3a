#ifdef __cplusplus
extern "C" int throw_dice(void);
#else
int throw_dice(void);
#endif
