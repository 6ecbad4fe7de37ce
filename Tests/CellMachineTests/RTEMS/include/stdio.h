typedef struct FILE FILE;
extern FILE *stdout;
int fprintf(FILE *, const char *, ...);
