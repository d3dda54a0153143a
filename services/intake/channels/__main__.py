"""Run the channels: `python -m services.intake.channels`."""

from services.intake.channels.process import main

if __name__ == "__main__":
    main()
