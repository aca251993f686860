// Credentials that it needs, by their ids: PRIVATE_PYPI_URL (secret text), PRIVATE_PYPI (user name
// with password; a token has the user name __token__) and GIT (user name with password, may push).
%if needs_reader
// PRIVATE_PYPI_READ (user name with password) is a reader's, who cannot publish.
%end
// An index with an authority of its own: the environment variable PRIVATE_PYPI_CA, of Jenkins or of
// the node, is the path of that authority's file on the node.
pipeline {
    agent any
    options {
        disableConcurrentBuilds()
        timeout(time: 60, unit: 'MINUTES')
    }
    stages {
        stage('Set up') {
            steps {
                // All of the history and all tags: they decide the version.
                withCredentials([gitUsernamePassword(credentialsId: 'GIT', gitToolName: 'Default')]) {
                    sh '''
                        [ "$(git rev-parse --is-shallow-repository)" = false ] || git fetch --unshallow origin
                        git fetch --tags --force origin
                        git fetch origin "+refs/heads/*:refs/remotes/origin/*"
                    '''
                }
                sh 'python3 -m venv "$WORKSPACE_TMP/aegis"'
%if plugin_index
                withCredentials([
                    usernamePassword(
                        credentialsId: 'PRIVATE_PYPI_READ',
                        usernameVariable: 'PRIVATE_PYPI_READ_USERNAME',
                        passwordVariable: 'PRIVATE_PYPI_READ_PASSWORD'
                    )
                ]) {
                    sh '''@install@'''
                }
%end
%if no_plugin_index
                sh '''@install@'''
%end
            }
        }
        stage('Commit messages') {
            when { not { buildingTag() } }
            steps {
                // What is on a branch cannot be reworded any more: a release does not wait for it.
                catchError(buildResult: env.CHANGE_ID ? 'FAILURE' : 'UNSTABLE', stageResult: 'FAILURE') {
                    sh '''
                        cd @groovy_folder@
                        if [ -n "$CHANGE_TARGET" ]; then
                            "$WORKSPACE_TMP/aegis/bin/poetry" aegis lint "origin/$CHANGE_TARGET..HEAD"
                        else
                            "$WORKSPACE_TMP/aegis/bin/poetry" aegis lint
                        fi
                    '''
                }
            }
        }
        stage('Tests') {
            steps {
%if reads_index
                // A reader's: what a change runs here is anybody's code, and must not publish.
                withCredentials([
                    usernamePassword(
                        credentialsId: 'PRIVATE_PYPI_READ',
                        usernameVariable: 'POETRY_HTTP_BASIC_@index@_USERNAME',
                        passwordVariable: 'POETRY_HTTP_BASIC_@index@_PASSWORD'
                    )
                ]) {
                    sh '''
                        cd @groovy_folder@
                        if [ -n "$PRIVATE_PYPI_CA" ]; then
                            export POETRY_CERTIFICATES_@index@_CERT="$PRIVATE_PYPI_CA"
                        fi
                        "$WORKSPACE_TMP/aegis/bin/poetry" install
                    '''
                }
%end
%if no_index
                sh '''
                    cd @groovy_folder@
                    "$WORKSPACE_TMP/aegis/bin/poetry" install
                '''
%end
                sh '''
                    cd @groovy_folder@
                    PATH="$WORKSPACE_TMP/aegis/bin:$PATH"
                    @groovy_test@
                '''
            }
        }
        // A push to @branch@: what the commits ask for is released. The build that the release's own
        // push starts finds nothing to release.
        stage('Release') {
            when { branch '@branch@' }
            steps {
                withCredentials([
                    gitUsernamePassword(credentialsId: 'GIT', gitToolName: 'Default'),
                    string(credentialsId: 'PRIVATE_PYPI_URL', variable: 'POETRY_REPOSITORIES_@index@_URL'),
%if signs
                    string(credentialsId: 'AEGIS_SIGNING_KEY', variable: 'AEGIS_SIGNING_KEY'),
                    string(credentialsId: 'AEGIS_SIGNING_PASSPHRASE', variable: 'AEGIS_SIGNING_PASSPHRASE'),
%end
                    usernamePassword(
                        credentialsId: 'PRIVATE_PYPI',
                        usernameVariable: 'POETRY_HTTP_BASIC_@index@_USERNAME',
                        passwordVariable: 'POETRY_HTTP_BASIC_@index@_PASSWORD'
                    )
                ]) {
                    sh '''
                        cd @groovy_folder@
                        newest=$(git ls-remote origin refs/heads/@branch@ | cut -f 1)
                        if [ "$newest" != "$(git rev-parse HEAD)" ]; then
                            echo "@branch@ has newer commits: their build releases these, too."
                            exit 0
                        fi
                        if [ -n "$PRIVATE_PYPI_CA" ]; then
                            export POETRY_CERTIFICATES_@index@_CERT="$PRIVATE_PYPI_CA"
                        fi
                        export GIT_AUTHOR_NAME="@robot@" GIT_AUTHOR_EMAIL="@robot_email@"
                        export GIT_COMMITTER_NAME="@robot@" GIT_COMMITTER_EMAIL="@robot_email@"
                        "$WORKSPACE_TMP/aegis/bin/poetry" aegis release auto@all@ --push-tag --publish --repository @repository@
                    '''
                }
            }
        }
%if test_index
        // A push to @test_branch@: a development version, of which nothing is committed or tagged.
        stage('Snapshot') {
            when { branch '@test_branch@' }
            steps {
                withCredentials([
                    string(credentialsId: 'PRIVATE_TEST_PYPI_URL', variable: 'POETRY_REPOSITORIES_@test_index@_URL'),
%end
%if signs_snapshots
                    string(credentialsId: 'AEGIS_SIGNING_KEY', variable: 'AEGIS_SIGNING_KEY'),
                    string(credentialsId: 'AEGIS_SIGNING_PASSPHRASE', variable: 'AEGIS_SIGNING_PASSPHRASE'),
%end
%if test_index
                    usernamePassword(
                        credentialsId: 'PRIVATE_TEST_PYPI',
                        usernameVariable: 'POETRY_HTTP_BASIC_@test_index@_USERNAME',
                        passwordVariable: 'POETRY_HTTP_BASIC_@test_index@_PASSWORD'
                    )
                ]) {
                    sh '''
                        cd @groovy_folder@
                        if [ -n "$PRIVATE_TEST_PYPI_CA" ]; then
                            export POETRY_CERTIFICATES_@test_index@_CERT="$PRIVATE_TEST_PYPI_CA"
                        fi
                        "$WORKSPACE_TMP/aegis/bin/poetry" aegis ci snapshot --repository @test_repository@
                    '''
                }
            }
        }
%end
        stage('Tagged') {
            when { buildingTag() }
            steps {
                withCredentials([
                    string(credentialsId: 'PRIVATE_PYPI_URL', variable: 'POETRY_REPOSITORIES_@index@_URL'),
%if signs
                    string(credentialsId: 'AEGIS_SIGNING_KEY', variable: 'AEGIS_SIGNING_KEY'),
                    string(credentialsId: 'AEGIS_SIGNING_PASSPHRASE', variable: 'AEGIS_SIGNING_PASSPHRASE'),
%end
                    usernamePassword(
                        credentialsId: 'PRIVATE_PYPI',
                        usernameVariable: 'POETRY_HTTP_BASIC_@index@_USERNAME',
                        passwordVariable: 'POETRY_HTTP_BASIC_@index@_PASSWORD'
                    )
                ]) {
                    sh '''
                        cd @groovy_folder@
                        if [ -n "$PRIVATE_PYPI_CA" ]; then
                            export POETRY_CERTIFICATES_@index@_CERT="$PRIVATE_PYPI_CA"
                        fi
                        "$WORKSPACE_TMP/aegis/bin/poetry" aegis ci tagged --repository @repository@
                    '''
                }
            }
        }
    }
}
