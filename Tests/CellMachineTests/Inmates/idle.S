    .include "common.S"
    begin
    print "idle\n"
    jmp stop
    library
