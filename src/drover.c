/* drover: the command line. See cmd/command_table.c for its commands. */
#include "cmd/command.h"

#include <locale.h>

int main(int argc, char **argv)
{
	setlocale(LC_ALL, ""); /* NOLINT(concurrency-mt-unsafe): no other thread runs yet */
	return command_main(argc, argv);
}
