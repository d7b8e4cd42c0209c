#!/bin/sh
#SBATCH --job-name=skein-merge
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=00:30:00
#SBATCH --output=skein-merge-%j.log
# Merges what slurm-shards.sh wrote to OUT/shard-* into OUT/merged. Fails, and says which, when a shard is missing or was stopped.
set -eu

out=${OUT:?the folder of slurm-shards.sh}

# SKEIN may be several words
# shellcheck disable=SC2086
exec ${SKEIN:-npx skein} simulate merge "$out"/shard-* --out "$out/merged" --force
