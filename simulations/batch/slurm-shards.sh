#!/bin/sh
#SBATCH --job-name=skein-shards
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --output=skein-%A-%a.log
# A simulation as a Slurm job array: task i of n runs shard i/n and writes OUT/shard-i. What stands after the script goes to `skein simulate`:
#
#   job=$(OUT=$PWD/reach sbatch --parsable slurm-shards.sh epidemic-reach --sweep nodes=1M,10M,100M --runs 100)
#   OUT=$PWD/reach sbatch --dependency="afterany:$job" slurm-merge.sh
#
# One task again, after a machine was lost: SHARDS=16 OUT=$PWD/reach sbatch --array=5 slurm-shards.sh … (the same words)
#
# OUT     a folder that all machines see
# SHARDS  how many there are, where the array is not 0 to n − 1
# SKEIN   the command, where it is not `npx skein`
set -eu

out=${OUT:?a folder that all machines see}
index=${SLURM_ARRAY_TASK_ID:?run it with sbatch}
shards=${SHARDS:-$SLURM_ARRAY_TASK_COUNT}

mkdir -p "$out"
# SKEIN may be several words
# shellcheck disable=SC2086
exec ${SKEIN:-npx skein} simulate "$@" --shard "$index/$shards" --workers "${SLURM_CPUS_PER_TASK:-1}" --out "$out/shard-$index" --force
