from pneumonia.cli import main

main()
