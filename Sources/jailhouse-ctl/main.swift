import Commands

JailhouseCtl.main()
