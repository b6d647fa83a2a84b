"""What to do with a media file: profiles, mixins, rules, stream selection, container rules, argv. Does no I/O."""
